"""The weights that come with the package; `docs/model_card.md` says what they are."""

from pathlib import Path

PRETRAINED_DIRECTORY = Path(__file__).parent
