"""What pictures, sound and documents can cost at most, in tokens, by provider; and how far its own tokenizer may be from o200k.

These are ceilings for a reservation, never a bill. Sources, each vendor's own page:
OpenAI, "Images and vision" (tiles, patches, the multipliers of the small models) and "Audio" (10 tokens a second and less);
Anthropic, "Vision" (up to 4,784 tokens for a picture of the highest resolution);
Google, "Understand and count tokens" (32 tokens a second of sound, 258 a tile). A provider without a row has the widest of them.
"""

import msgspec

_O200K = ("gpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "chatgpt", "gpt-oss", "o1", "o3", "o4")
_CL100K = ("gpt-4", "gpt-3.5", "text-embedding", "davinci-002", "babbage-002")
_KNOWN_ENCODINGS = (*_O200K, *_CL100K, "voyage")


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """Ceilings of one provider.

    Attributes:
        image: Tokens of one picture. `image_low` with `detail: low`.
        costly_images: Starts of model names whose pictures are counted dearer, each with its ceiling.
        audio_per_kilobyte: Tokens per 1,000 decoded bytes: a second of sound is at least 1 kB.
    """

    image: int = 5_000
    image_low: int = 5_000
    costly_images: tuple[tuple[str, int], ...] = ()
    audio_per_kilobyte: int = 32

    def image_tokens(self, model: str, detail: str | None) -> int:
        """Return the ceiling of one picture."""
        name = model.rpartition("/")[2]
        for start, tokens in self.costly_images:
            if name.startswith(start):
                return tokens
        return self.image_low if detail == "low" else self.image


_UNKNOWN = Family()
_FAMILIES = {
    "openai": Family(image=10_000, image_low=300, costly_images=(("gpt-4o-mini", 50_000),)),
    "azure": Family(image=10_000, image_low=300, costly_images=(("gpt-4o-mini", 50_000),)),
    "anthropic": Family(),
}


def family_of(provider: str) -> Family:
    """Return a provider's row, or the widest one."""
    return _FAMILIES.get(provider, _UNKNOWN)


def token_factor(model: str) -> tuple[int, int]:
    """Return by which fraction a count of our tokenizer is to be raised to be a ceiling: 1/1 where the model's own encoding is used."""
    name = model.rpartition("/")[2].removeprefix("ft:")
    return (1, 1) if name.startswith(_KNOWN_ENCODINGS) else (3, 2)
