"""CDRs of OCPI 2.2.1 to SDRs of the model and back."""

from core.endpoint.ocpi.extended import SdrCodec
from core.endpoint.ocpi.sdrs import SdrMapping
from core.endpoint.ocpi.v2_2_1.cdrs import CDR as CDR_SHAPE
from core.endpoint.ocpi.v2_2_1.tariffs import TARIFFS

_SDRS = SdrMapping(CDR_SHAPE, TARIFFS)
CDR = SdrCodec(CDR_SHAPE, _SDRS.sdr_of, _SDRS.cdr, version="2.2.1")
