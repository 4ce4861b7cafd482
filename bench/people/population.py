"""The invented people of the working population: seeds of the generator, what each shows, and who is set aside.

A seed gives one latent of the generator and so one adult who does not exist. The traits were read off the pictures by eye.
A third of the people is set aside by a seeded draw, made before anything was tuned: those are measured and never tuned on.
The draw's seed is the first for which both parts hold every trait at least twice.

Somebody who is taken out afterwards, `WITHDRAWN`, still takes part in the draws and is left out of what they return, so that
nobody else changes sides or place.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["PEOPLE", "TRAITS", "WITHDRAWN", "Person", "drawn", "set_aside", "tuning"]

TRAITS = (
    "fringe", "strands", "glasses", "beard", "stubble", "make-up", "freckles", "dark", "light", "older", "hard light", "curls",
)  # fmt: skip

WITHDRAWN = frozenset({3148})
"""Seeds whose pictures are no longer used: this one looks younger than an adult."""

SPLIT_SEED = 20


@dataclass(frozen=True)
class Person:
    """One invented adult: the generator's seed and the traits that the pictures show."""

    seed: int
    traits: frozenset[str]

    @property
    def name(self) -> str:
        """Name of the person's folder."""
        return f"p{self.seed}"


_SEEN = {
    3003: "fringe light", 3004: "older", 3007: "fringe", 3010: "glasses beard older", 3013: "older light",
    3014: "older light curls", 3015: "freckles curls hard_light", 3022: "stubble older", 3023: "stubble dark",
    3028: "glasses fringe", 3030: "stubble curls", 3034: "strands make-up", 3036: "glasses older",
    3037: "older hard_light", 3042: "curls dark", 3044: "make-up", 3046: "glasses hard_light", 3050: "dark older",
    3052: "strands hard_light", 3054: "fringe make-up light", 3061: "make-up light", 3067: "dark older",
    3068: "beard glasses light", 3076: "glasses hard_light older", 3081: "older light", 3082: "glasses curls",
    3084: "dark curls hard_light", 3086: "glasses freckles hard_light", 3087: "hard_light", 3088: "glasses",
    3090: "dark", 3096: "older", 3101: "beard curls", 3104: "older", 3107: "glasses fringe", 3111: "glasses fringe",
    3113: "fringe freckles", 3116: "glasses fringe light", 3119: "glasses older", 3120: "glasses older hard_light",
    3125: "glasses", 3126: "make-up light", 3128: "stubble", 3131: "glasses beard older", 3147: "glasses older",
    3148: "strands fringe", 3150: "beard older", 3153: "dark stubble", 3157: "make-up", 3158: "freckles hard_light",
    3162: "hard_light", 3164: "older light", 3167: "fringe older hard_light", 3168: "curls freckles light",
    3170: "glasses", 3173: "dark", 3175: "strands", 3180: "fringe make-up", 3187: "stubble", 3193: "make-up light",
    3195: "strands freckles", 3196: "older hard_light", 3197: "glasses beard",
}  # fmt: skip

_ALL = tuple(
    Person(seed, frozenset(word.replace("_", " ") for word in words.split())) for seed, words in sorted(_SEEN.items())
)

PEOPLE = tuple(person for person in _ALL if person.seed not in WITHDRAWN)


_SET_ASIDE = frozenset(random.Random(SPLIT_SEED).sample([person.seed for person in _ALL], len(_ALL) // 3))


def set_aside() -> tuple[Person, ...]:
    """Return the people who are measured only."""
    return tuple(person for person in PEOPLE if person.seed in _SET_ASIDE)


def tuning() -> tuple[Person, ...]:
    """Return the people on whom parameters and thresholds may be tuned."""
    return tuple(person for person in PEOPLE if person.seed not in _SET_ASIDE)


def drawn(group: str, seed: int, has: Callable[[Person], bool] = lambda person: True) -> tuple[Person, ...]:
    """Return the people of `group`, "tuning" or "aside", for whom `has` holds, in the order of a draw by `seed`."""
    some = [person for person in _ALL if (person.seed in _SET_ASIDE) == (group == "aside") and has(person)]
    return tuple(person for person in random.Random(seed).sample(some, len(some)) if person.seed not in WITHDRAWN)
