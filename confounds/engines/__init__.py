"""Engines: where the cells of a study are asked; the same cells, whatever the engine.

A file without a leading underscore is an engine. Importing this package loads none of them.
"""

from confounds.engines._engine import Engine, Job

__all__ = ["Engine", "Job"]
