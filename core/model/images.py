"""Pictures of sites, posts and parking places."""

from pydantic import BaseModel, ConfigDict


class Image(BaseModel):
    """A picture that lies at an address of its owner; sizes in pixels. `category` is OTHER where it is not known."""

    model_config = ConfigDict(frozen=True)

    url: str
    category: str
    type: str
    thumbnail: str | None = None
    width: int | None = None
    height: int | None = None
