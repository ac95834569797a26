"""Tests on mixed models with the number of models, not of rows, behind them.

Size at nominal .05, 8 to 50 models, floor 0 and .25 (`benchmarks/mixed_size.py`, 500 simulations a
cell, so known to .01): of an effect between models .034-.066 by Wald F and .036-.068 by likelihood
ratio (where models come in families too, .054-.070 and .056-.074), of one within models .036-.056
by both, of both jointly .042-.066 and .044-.072. The plain chi-squared reference gives .104-.124
for the joint test among 8 models. Of a variance component, or of two, .024-.064; of a term and a
component at once .022-.040. Where effects of models within conditions are fitted to 8 models too
few nulls are rejected: .018-.058, the joint test .020-.028 (variances that come out at zero cannot
come out below it); at 20 models .042-.070.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from confounds.errors import InputError, UsageError
from confounds.inference._mixed_boundary import boundary_tail
from confounds.inference._mixed_degrees import effective_number, joint_degrees
from confounds.inference._mixed_design import Floats, MixedDesign, Term
from confounds.inference._mixed_fit import (
    MANY,
    MixedFit,
    linear_predictor,
    maximum_log_likelihood,
    row_effects,
)
from confounds.inference._mixed_kernel import expected_score
from confounds.notebook import Shown

# By number of components tested: weights of 0, 1, ... further degrees of freedom.
AT_BOUNDARY = {0: (1.0,), 1: (0.5, 0.5), 2: (0.25, 0.5, 0.25)}


@dataclass(frozen=True)
class MixedTest(Shown):
    """One hypothesis on a mixed model, tested.

    Attributes:
        null: the null as a sentence.
        statistic: F for a test of terms; the likelihood ratio where components are tested.
        df: numerator degrees of freedom, the number of parameters tested.
        df_models: denominator degrees of freedom, governed by the number of models;
            infinite for a test of components alone.
        p_value: of the statistic.
        likelihood_ratio: twice the difference of log-likelihoods, of the restricted ones for
            components alone; None for a Wald test.
        p_chi_squared: of the likelihood ratio as if models were many; None for a Wald test.
        p_bootstrap: of the likelihood ratio among parametric bootstrap replicates of the
            null; None where none were asked for.
    """

    null: str
    statistic: float
    df: int
    df_models: float
    p_value: float
    likelihood_ratio: float | None = None
    p_chi_squared: float | None = None
    p_bootstrap: float | None = None

    def tidy(self) -> pd.DataFrame:
        """One row."""
        return pd.DataFrame([{name: getattr(self, name) for name in self.__dataclass_fields__}])


def wald_test(fit: MixedFit, terms: tuple[str, ...]) -> MixedTest:
    """Are these fixed effects all zero? A joint Wald F test.

    Denominator degrees of freedom after Satterthwaite (1946), of several terms after Fai &
    Cornelius (1996): that at which the mean of F agrees.

    Example:
        >>> from confounds.inference.mixed import fit_mixed
        >>> rng = np.random.default_rng(0)
        >>> x = np.linspace(-1.0, 1.0, 8)
        >>> block = rng.binomial(1, 0.6, size=(8, 30, 1)).astype(float)
        >>> design = MixedDesign.from_block(block, terms=(Term("intercept"), Term("x", model=x)))
        >>> wald_test(fit_mixed(design), ("x",)).null
        'x has no effect'
    """
    chosen = [_place(fit, term) for term in terms]
    beta = fit.coefficients[chosen]
    inner = fit.covariance[np.ix_(chosen, chosen)]
    statistic = float(beta @ np.linalg.solve(inner, beta)) / len(chosen)
    degrees = joint_degrees(fit, chosen)
    return MixedTest(
        null=_sentence(terms),
        statistic=statistic,
        df=len(chosen),
        df_models=degrees,
        p_value=_f_tail(statistic, len(chosen), degrees),
    )


def compare_mixed(
    null: MixedFit, alternative: MixedFit, *, replicates: int = 0, seed: int = 0
) -> MixedTest:
    """Does the alternative fit better than the null nested in it? A likelihood-ratio test.

    For terms, F = (v / k) (exp(LR / n) - 1) on k and v degrees of freedom, v those of the Wald
    test and n such that the mean of LR agrees: in a balanced linear model n is the number of
    models and F the exact F statistic; where v is large it is the chi-squared test.

    Components alone are tested by the restricted likelihood. Their variances lie on the boundary
    under the null: half the chi-squared tail where levels are many (Self & Liang 1987), and with
    few levels the F of the one-way layout that has this ratio (`_mixed_boundary`).

    Terms and components together mix the tails of F as Self & Liang mix chi-squared; with few
    models that rejects too seldom. One after the other tells more.

    Args:
        null: a fit whose terms and components are among the alternative's, on the same rows.
        alternative: the larger fit.
        replicates: bootstrap replicates drawn from the null and refitted with both designs;
            0 for none.
        seed: of the bootstrap.

    Raises:
        UsageError: the null is not nested in the alternative, or the rows differ.
        InputError: a bootstrap of rows whose counts are not whole numbers.
    """
    terms, components = _difference(null.design, alternative.design)
    restricted = not terms
    ratio = _ratio(*(_height(fit, restricted=restricted) for fit in (null, alternative)))
    if terms:
        statistic, degrees, p_value = _of_terms(ratio, alternative, terms, len(components))
    else:
        statistic, degrees = ratio, float("inf")
        p_value = boundary_tail(ratio, null, alternative.design)
    drawn = _bootstrap(null, alternative, replicates, seed) if replicates else None
    return MixedTest(
        null=_sentence((*terms, *(f"sd_{name}" for name in components))),
        statistic=statistic,
        df=len(terms) + len(components),
        df_models=degrees,
        p_value=p_value,
        likelihood_ratio=ratio,
        p_chi_squared=float(stats.chi2.sf(ratio, len(terms) + len(components))),
        p_bootstrap=None
        if drawn is None
        else float((1 + np.sum(drawn >= ratio)) / (1 + len(drawn))),
    )


def simulate_mixed(fit: MixedFit, rng: np.random.Generator) -> MixedDesign:
    """The fit's design with new answers drawn from it: new models, new items, new trials.

    Standard deviations are the restricted ones (the others are too small with few models).

    Raises:
        InputError: trials that are not whole numbers.
    """
    design = fit.design
    if np.any(design.trials != np.round(design.trials)):
        row = int(np.argmax(design.trials != np.round(design.trials)))
        msg = (
            f"trials are {design.trials[row]:g} in row {row}; allowed for a simulation: whole "
            "numbers"
        )
        raise InputError(msg)
    sizes = {name: np.shape(values) for name, values in fit.effects.items()}
    effects = {
        name: sd * rng.standard_normal(sizes[name])
        for name, sd in zip(design.components, fit.restricted_sd, strict=True)
    }
    eta = linear_predictor(design, fit.coefficients) + row_effects(design, effects)
    score = expected_score(eta, design.floor, design.ceiling)
    drawn = rng.binomial(design.trials.astype(np.int64), score)
    return replace(design, successes=drawn.astype(np.float64))


def _bootstrap(null: MixedFit, alternative: MixedFit, replicates: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    ratios = np.empty(replicates)
    restricted = len(null.design.terms) == len(alternative.design.terms)
    null, alternative = _at_rest(null), _at_rest(alternative)
    for draw in range(replicates):
        smaller = simulate_mixed(null, rng)
        larger = replace(alternative.design, successes=smaller.successes)
        low = maximum_log_likelihood(smaller, start=null, restricted=restricted)
        high = maximum_log_likelihood(larger, start=alternative, restricted=restricted)
        ratios[draw] = _ratio(low, high)
    return ratios


def _at_rest(fit: MixedFit) -> MixedFit:
    """The fit with effects of 0: a start for new models and items."""
    return replace(fit, effects={name: 0.0 * values for name, values in fit.effects.items()})


def _place(fit: MixedFit, term: str) -> int:
    names = [item.name for item in fit.design.terms]
    if term not in names:
        msg = f"no term '{term}'; there are: {', '.join(names)}"
        raise UsageError(msg)
    return names.index(term)


def _of_terms(
    ratio: float, fit: MixedFit, terms: list[str], components: int
) -> tuple[float, float, float]:
    """Statistic, its degrees of freedom and p-value of terms, and of components beside them."""
    chosen = [_place(fit, term) for term in terms]
    degrees, number = joint_degrees(fit, chosen), len(chosen)
    effective = 0.0 if degrees > MANY else effective_number(fit, chosen, degrees)

    def f_of(tested: int) -> float:
        if degrees > MANY:
            return ratio / tested
        return degrees / tested * float(np.expm1(ratio / effective))

    p_value = sum(
        weight * _f_tail(f_of(tested), tested, degrees)
        for tested, weight in enumerate(AT_BOUNDARY[components], start=number)
    )
    return ratio if components else f_of(number), degrees, p_value


def _height(fit: MixedFit, *, restricted: bool) -> float:
    return fit.restricted_log_likelihood if restricted else fit.log_likelihood


def _ratio(low: float, high: float) -> float:
    return max(0.0, 2.0 * (high - low))


def _f_tail(statistic: float, number: int, degrees: float) -> float:
    if degrees > MANY:
        return float(stats.chi2.sf(statistic * number, number))
    return float(stats.f.sf(statistic, number, degrees))


def _sentence(terms: tuple[str, ...]) -> str:
    verb = "has no effect" if len(terms) == 1 else "have no effect"
    if all(term.startswith("sd_") for term in terms):
        verb = "is zero" if len(terms) == 1 else "are zero"
    return f"{', '.join(terms)} {verb}"


def _difference(null: MixedDesign, alternative: MixedDesign) -> tuple[list[str], list[str]]:
    for name in ("successes", "trials", "model", "item", "condition", "floor", "ceiling"):
        left, right = getattr(null, name), getattr(alternative, name)
        if (left is None) != (right is None) or (
            left is not None and not np.array_equal(left, right)
        ):
            msg = f"the fits differ in '{name}'; allowed: two fits of the same rows"
            raise UsageError(msg)
    held = {term.name: term for term in alternative.terms}
    missing = [term.name for term in null.terms if not _same_term(term, held.get(term.name))]
    missing += [name for name in null.components if name not in alternative.components]
    terms = [term.name for term in alternative.terms if term.name not in _names(null)]
    components = [name for name in alternative.components if name not in null.components]
    if missing or not (terms or components):
        found = f"lacks {', '.join(missing)}" if missing else "has nothing more"
        msg = f"the null is not nested in the alternative, which {found}"
        raise UsageError(msg)
    return terms, components


def _names(design: MixedDesign) -> set[str]:
    return {term.name for term in design.terms}


def _same_term(left: Term, right: Term | None) -> bool:
    if right is None:
        return False
    pairs = ((left.model, right.model), (left.item, right.item), (left.condition, right.condition))
    return all(
        (a is None) == (b is None) and (a is None or b is None or np.array_equal(a, b))
        for a, b in pairs
    )
