"""CDRs of OCPI 2.3.0 to SDRs of the model and back."""

from core.endpoint.ocpi.extended import SdrCodec
from core.endpoint.ocpi.sdrs import SdrMapping
from core.endpoint.ocpi.v2_3_0.cdrs import CDR as CDR_SHAPE
from core.endpoint.ocpi.v2_3_0.tariffs import TARIFFS

_SDRS = SdrMapping(CDR_SHAPE, TARIFFS)
CDR = SdrCodec(CDR_SHAPE, _SDRS.sdr_of, _SDRS.cdr, version="2.3.0")
