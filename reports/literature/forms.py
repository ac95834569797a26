"""Published forms of the curve beside the verdict: how far each predicts the largest models.

    python reports/literature/forms.py CLAIMS.toml [--claim ID...]

`corner` is the scale at which the best hinge bends (a rectified line: Snell et al. 2024); it has no
interval, since without a bend there is no corner to be near. The other columns fit a form to the
smaller three quarters of the scales and give its mean absolute error on the largest quarter, in
score points: a line in log scale and a sigmoid; a broken power law (Caballero et al. 2022); a
sigmoid along the capability that the other tasks show (Ruan et al. 2024). None decides a verdict.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from side_by_side import choose

import confounds as cf
from confounds import text
from confounds.claim import Claim, read_claims
from confounds.curves import CurveSample, fit_curve
from confounds.inference.capability import capability_axes
from confounds.inference.fits import Fits, Settings
from confounds.inference.sample import Sample

HELD_OUT = 0.25
FORMS = ("log_linear", "sigmoid", "broken_power_law")
COLUMNS = ("claim", "corner", *FORMS, "along_capability", "verdict")


def main() -> None:
    """Print a row a claim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("claims")
    parser.add_argument("--claim", action="append", default=[], help="show this claim only")
    asked = parser.parse_args()
    file = read_claims(asked.claims)
    outcomes = cf.read_outcomes(file.outcomes)
    shown = choose(file.claims, asked.claim)
    audits = cf.audit_all(outcomes, claims=file.claims)
    rows = [
        {**_forms(audit.claim, outcomes), "verdict": audit.verdict.label}
        for audit in audits
        if audit.claim.id in shown
    ]
    sys.stdout.write(f"{text.Table(COLUMNS, tuple(rows)).text()}\n")


def _forms(claim: Claim, outcomes: cf.Outcomes) -> dict[str, str | None]:
    fits = Fits(claim, outcomes, Settings())
    sample = fits.raw_observation.sample
    if sample is None:
        return {"claim": claim.id}
    row: dict[str, str | None] = {"claim": claim.id, "corner": _corner(sample, claim.scale)}
    top = sample.x > np.quantile(np.unique(sample.x), 1 - HELD_OUT)
    for form in FORMS:
        row[form] = _error(form, sample, top)
    axes = capability_axes(fits)
    if not isinstance(axes, str):
        along = axes[-1].sample_along(sample)
        row["along_capability"] = _error("sigmoid", along, top[axes[-1].rows])
    return row


def _corner(sample: Sample, axis: str) -> str | None:
    fit = fit_curve("hinge", _data(sample))
    found = next((item for item in fit.estimates if item.term == "position"), None)
    if found is None or found.estimate is None:
        return None
    return text.scale(10**found.estimate, axis)


def _error(form: str, sample: Sample, top: np.ndarray) -> str | None:
    """Mean absolute error on the models that were held out, or None where the form has no fit."""
    fit = fit_curve(form, _data(sample.take(np.flatnonzero(~top))))
    if fit.status != "fitted":
        return None
    rest = sample.take(np.flatnonzero(top))
    predicted = fit.predict(rest.x, rest.floor)["score"].to_numpy()
    return text.number(float(np.abs(predicted - rest.score).mean()), 3)


def _data(sample: Sample) -> CurveSample:
    likelihood = "binomial" if sample.binomial else "gaussian"
    return CurveSample(sample.x, sample.score, sample.n, sample.floor, likelihood)


if __name__ == "__main__":
    main()
