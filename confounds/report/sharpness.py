"""How sharp is the rise: the p-value for every width that might count as gradual."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confounds import text
from confounds.report import _chart
from confounds.report._chart_sharpness import sharpness_chart
from confounds.report._figure import data_table, figure
from confounds.report._section import Section

if TYPE_CHECKING:
    from confounds.report._section import View


def render(view: View) -> str:
    """The sharpness curve of the raw fit."""
    audit = view.audit
    fit = audit.raw_fit
    if fit is None or len(fit.sharpness) < 2:
        return ""
    caption = (
        "p-value of the threshold test when a rise over at least so many decades counts as "
        f"gradual. Dashed: {text.number(audit.claim.gradual, 1)} decades, registered in the "
        "claim. Shaded: p below .05."
    )
    alt = f"p-value against the width that counts as gradual, for {audit.claim.task}."
    spec = _chart.specification(sharpness_chart(audit, fit, _chart.PAGE))
    rows = [{"gradual": width, "p": p} for width, p in fit.sharpness]
    data = data_table(rows, ("gradual", "p"), "Data: sharpness", view.table_rows)
    said = {"alt": alt, "caption": caption}
    return str(figure(spec, f"{view.anchor}-sharpness", said, data, live=view.interactive))


SECTION = Section("Sharpness", 45, render, scope="task", width="half")
