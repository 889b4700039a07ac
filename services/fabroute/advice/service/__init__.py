"""Advice: which way of making a part fits, and which parts of a list are worth a digital twin."""

from fabroute.advice.rules.method import MethodAdvice, Recommended, zone_sentence
from fabroute.advice.rules.pathways import (
    Need,
    Pathway,
    PathwayAdvice,
    PathwayCase,
    PathwayJudgement,
    advise_pathway,
)
from fabroute.advice.rules.transition import DEFINITIONS, Basis, Lot, Signal, SignalJudgement, State
from fabroute.advice.rules.viability import (
    PRECONDITIONS,
    QUESTIONS,
    DimensionResult,
    Question,
    Viability,
    ViabilityAdvice,
    screen_viability,
)
from fabroute.advice.service.amounts import Stated
from fabroute.advice.service.beside import ShortAdvice, quote_advice
from fabroute.advice.service.method import (
    AdviceIncomplete,
    MethodAnswer,
    MethodQuestion,
    StatedItem,
    StatedTerms,
    ask_method,
)
from fabroute.advice.service.transition import TransitionAnswer, TransitionQuestion, ask_transition
from fabroute.estimation.crossover import rounded_minor

__all__ = [
    "DEFINITIONS",
    "PRECONDITIONS",
    "QUESTIONS",
    "AdviceIncomplete",
    "Basis",
    "DimensionResult",
    "Lot",
    "MethodAdvice",
    "MethodAnswer",
    "MethodQuestion",
    "Need",
    "Pathway",
    "PathwayAdvice",
    "PathwayCase",
    "PathwayJudgement",
    "Question",
    "Recommended",
    "ShortAdvice",
    "Signal",
    "SignalJudgement",
    "State",
    "Stated",
    "StatedItem",
    "StatedTerms",
    "TransitionAnswer",
    "TransitionQuestion",
    "Viability",
    "ViabilityAdvice",
    "advise_pathway",
    "ask_method",
    "ask_transition",
    "quote_advice",
    "rounded_minor",
    "screen_viability",
    "zone_sentence",
]
