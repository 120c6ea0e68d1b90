"""What is known of each finding: how it is called, what causes it, what helps, and where that is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganworks.diagnose.finding import Evidence, Finding, Remedy, Severity


@dataclass(frozen=True)
class Advice:
    """What to say of a finding.

    Attributes:
        titles: a line for each severity that it may have; braces hold figures by name.
        cause, remedies, reference: see ``Finding``.
    """

    titles: Mapping[Severity, str]
    cause: str
    remedies: tuple[Remedy, ...]
    reference: str = ""


PAIRS = Remedy("--relativistic pair --r1 1 --r2 1", "each sample is judged beside a real one, so that no part of the "
               "data is left alone, and the critic stays smooth (Huang et al. 2024)")
PACKS = Remedy("--pack 2", "the critic sees two samples at a time: equal ones give themselves away (Lin et al. 2018)")
COLLAPSE = ("the generator goes to where today's critic is most pleased, and follows it from there to the next place",
            (PAIRS, PACKS, Remedy("", "the critic keeps up with the generator (Heusel et al. 2017)",
                                  {"lr_critic": 2})),
            "Goodfellow 2016, section 5.1.1")

ADVICE: Mapping[str, Advice] = {
    "collapse": Advice(
        {"serious": "mode collapse: the samples are a few ones over and over",
         "warning": "the samples differ less than the data does",
         "healthy": "the samples differ from each other as the data does"},
        *COLLAPSE),
    "dropping": Advice(
        {"serious": "mode dropping: the samples leave out {missing:.0%} of the data{which}",
         "warning": "parts of the data are hardly among the samples{which}",
         "healthy": "no part of the data is left out"},
        "nothing in the generator's cost charges it for what it never makes",
        (PAIRS, PACKS, Remedy("--unroll 5", "the generator foresees that the critic will come after it (Metz et al. "
                              "2017)")),
        "Srivastava et al. 2017; Richardson and Weiss 2018, section 3"),
    "copying": Advice(
        {"serious": "the samples are copies of the data",
         "warning": "some samples are copies of the data",
         "healthy": "the samples are no nearer to the data than new real ones would be"},
        "the data is so small that the networks can learn it by heart",
        (Remedy("--augment ada", "the critic cannot know by heart what it never sees alike twice (Karras et al. 2020)"),
         Remedy("", "copies come late: take a checkpoint from before them", {"steps": 0.5}),
         Remedy("more data", "fewer weights for each image")),
        "Meehan, Chaudhuri and Dasgupta 2020"),
    "levels": Advice(
        {"serious": "the samples' values are not in the data's range",
         "warning": "the samples are lighter, darker or flatter than the data",
         "healthy": "the samples' values are in the data's range"},
        "values from 0 to 1 or from -1 to 1 were taken for bytes, or the training has only begun",
        (Remedy("write samples as bytes: 127.5 (x + 1) of a generator that ends with tanh", "its values are -1 to 1"),
         Remedy("look at both: ganworks data FOLDER", "a picture shows it at once"))),
    "saturation": Advice(
        {"serious": "nearly all values of the samples stand at the ends of their range: the last layer is saturated",
         "warning": "many more values of the samples than of the data stand at the ends of their range",
         "healthy": "no more values than usual stand at the ends of their range"},
        "steps so long that the last layer's sums are far out, where tanh is flat and hands nothing back",
        (Remedy("", "shorter steps; train anew, since from there no slope leads back", {"lr": 0.1}),
         Remedy("--clip 1", "no single batch can throw the weights far"))),
    "channels": Advice(
        {"serious": "the samples' colours are those of the data with red and blue exchanged",
         "healthy": "the channels are in the data's order"},
        "one program reads or writes channels as BGR, the other as RGB",
        (Remedy("exchange the first and the last channel where the samples are written (x[..., ::-1])", "OpenCV keeps "
                "BGR, nearly all else RGB"),)),
    "variety": Advice(
        {"serious": "mode collapse: samples of the same latents have come to be alike",
         "warning": "samples of the same latents have lost much of their variety",
         "healthy": "samples of the same latents keep their variety"},
        *COLLAPSE),
    "vanishing gradient": Advice(
        {"serious": "the generator is hardly pushed any more: its cost is flat where its samples are",
         "warning": "little of the critic's slope reaches the generator",
         "healthy": "the critic's slope reaches the generator"},
        "the critic is sure of all samples, and the cost saturates there: minimax's slope is the critic's own D(x)",
        (Remedy("--objective nonsaturating", "its slope is greatest where the critic is sure (Goodfellow et al. 2014, "
                "section 3)"),
         Remedy("--noise 0.1 --noise-fade 0.5", "samples and data overlap, so no critic is sure (Arjovsky and Bottou "
                "2017)"),
         Remedy("--r1 1", "a smooth critic has a slope everywhere (Mescheder et al. 2018)")),
        "Arjovsky and Bottou 2017, theorem 2.4"),
    "critic too strong": Advice(
        {"warning": "the critic parts every sample from the data, and samples do not get better",
         "healthy": "the critic does not win outright, or samples get better all the same"},
        "the critic learns faster than the generator, or knows the data by heart",
        (Remedy("--r1 1", "the critic pays for steep slopes at the data"),
         Remedy("--augment ada", "the critic cannot know the data by heart"),
         Remedy("", "the critic learns more slowly", {"lr_critic": 0.5})),
        "Arjovsky and Bottou 2017, section 2"),
    "critic too weak": Advice(
        {"warning": "the critic does not tell samples from data that it should",
         "healthy": "the critic knows samples from data, or has no reason to"},
        "the critic learns too slowly or is too small, or is kept from seeing; or its labels are turned round",
        (Remedy("--noise 0.1 --noise-fade 0.5", "so much noise hides the data from the critic", above={"noise": 0.5}),
         Remedy("", "its penalty outweighs what it has to say", {"r1": 0.01}, {"r1": 10}),
         Remedy("", "it keeps up (Heusel et al. 2017)", {"lr_critic": 4}),
         Remedy("--critic-steps 2", "it learns twice for each step of the generator"),
         Remedy("", "it can see more", {"width": 2}))),
    "critic overfits": Advice(
        {"serious": "the critic knows the data by heart",
         "warning": "the critic has begun to know the data by heart",
         "healthy": "the critic scores data that it never saw like the data it is taught"},
        "there is too little data for so large a critic and so many steps",
        (Remedy("--augment diffaugment", "the critic never sees the same twice (Zhao et al. 2020)"),
         Remedy("--augment ada", "the same, as strongly as it takes; slower to set in (Karras et al. 2020)"),
         Remedy("--flip", "twice the data, where its mirror image is as likely"),
         Remedy("--r1 10", "a critic that is flat around the data cannot single samples out")),
        "Karras et al. 2020, section 2"),
    "batch-norm leak": Advice(
        {"warning": "the critic knows batches, not samples: it tells them apart by the statistics of their batch",
         "healthy": "the critic does not live on the statistics of whole batches"},
        "real and generated samples come in batches of their own, and batch normalisation shows each sample its batch",
        (Remedy("--norm-critic spectral", "it normalises weights, not batches (Miyato et al. 2018)"),
         Remedy("--norm-critic none --r1 1", "a penalty steadies the critic without looking at the batch")),
        "Salimans et al. 2016, section 3.4"),
    "dead units": Advice(
        {"serious": "nearly all units of a player have a gradient of exactly 0",
         "warning": "{share:.0%} of a player's units have a gradient of exactly 0",
         "healthy": "hardly any unit is dead"},
        "large steps have pushed ReLUs to where they are always 0, or the cost has nothing left to ask for (hinge)",
        (Remedy("", "shorter steps leave units alive; train anew, since dead ones do not come back", {"lr": 0.1}),
         Remedy("--clip 1", "no single batch can throw the weights far"))),
    "learning rate": Advice(
        {"warning": "steps are {times:.2g} times {too} for the weights",
         "healthy": "steps are neither long nor short for the weights"},
        "the learning rate does not fit the networks",
        (Remedy("--warmup 200", "the first steps are short, until the optimiser knows how large gradients are"),)),
    "divergence": Advice(
        {"serious": "costs run away", "healthy": "costs stay in bounds"},
        "steps are too long, or nothing bounds the critic's outputs",
        (Remedy("--r1 1", "steep critics pay"), Remedy("", "shorter steps", {"lr": 0.1, "lr_critic": 0.1}),
         Remedy("--clip 1", "no single batch can throw the weights far")),
        "Mescheder et al. 2018"),
    "cycling": Advice(
        {"warning": "the players go in circles: scores swing with a steady period",
         "healthy": "scores do not swing with a steady period"},
        "near the equilibrium the game turns more than it contracts",
        (Remedy("--r1 1", "damps the turning (Mescheder et al. 2018, theorem 4.1)"),
         Remedy("--optimiser optimistic_adam", "steps against where the other is going (Daskalakis et al. 2018)"),
         Remedy("--ema 0.999", "the mean of a circle is its middle (Yazici et al. 2019)")),
        "Mescheder et al. 2018, section 2"),
    "plateau": Advice(
        {"note": "the measure no longer falls: more steps of this kind will not help",
         "healthy": "the measure still falls"},
        "the training is done, or stuck",
        (Remedy("--schedule linear --hold 0.5", "falling rates settle what swings"),
         Remedy("take the best checkpoint: --checkpoint best", "later ones are no better"))),
    "constant data": Advice(
        {"serious": "all of the data is the same", "healthy": "the data differs from sample to sample"},
        "one file many times over, or values that were rounded away",
        (Remedy("look at it: ganworks data PATH", "a picture shows it at once"),)),
    "repeated data": Advice(
        {"warning": "{equal:.0%} of the data are repetitions",
         "healthy": "hardly any of the data is there twice"},
        "files were copied or exported twice",
        (Remedy("leave repetitions out", "what comes ten times is learnt ten times, and counts as copied"),)),
    "range of the data": Advice(
        {"serious": "the data is nearly black: its values fill {range:.2%} of the range of bytes",
         "warning": "the data's values fill {range:.0%} of the range of bytes",
         "healthy": "the data's values fill their range"},
        "values from 0 to 1 were written as bytes, or images of 12 or 16 bits were cut to 8",
        (Remedy("write the values times 255 as bytes, or as floats, which are scaled when they are read",
                "the generator's tanh goes from black to white"),)),
    "labels of the data": Advice(
        {"serious": "the labels do not belong to the samples: shuffled ones fit as well",
         "healthy": "the labels belong to the samples"},
        "labels and samples are in different orders: sorted, or shuffled apart",
        (Remedy("put labels and samples in one order again", "a conditional GAN learns what it is told"),),
        "after Ojala and Garriga 2010, section 3"),
}


def finding(name: str, severity: Severity, evidence: tuple[Evidence, ...], since: int | None = None,
            **figures: Any) -> Finding:
    """Return a finding with what is known of it; cause and remedies only where something is wrong."""
    advice = ADVICE[name]
    title = advice.titles[severity].format(**figures)
    if severity == "healthy":
        return Finding(name, severity, title, evidence)
    return Finding(name, severity, title, evidence, since, advice.cause, advice.remedies, advice.reference)
