"""What one submission may use. Set in nbgrader_config.py as ``c.Limits.<name>``."""

from __future__ import annotations

import msgspec
from traitlets import Dict, Float, Integer, TraitError, Unicode
from traitlets.config import Config, Configurable


class LimitValues(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of one assignment as a plain record, which may cross process boundaries."""

    memory_mb: int = 4096
    processes: int = 256
    open_files: int = 1024
    scratch_mb: int = 1024
    cell_seconds: float = 300.0
    submission_seconds: float = 900.0
    output_kb_per_cell: int = 512
    output_kb: int = 4096
    model_parameters: int = 50_000_000
    model_layers: int = 1000
    model_gflops: float = 50.0
    message_mb: int = 512
    call_seconds: float = 30.0


_DEFAULT = LimitValues()


class Limits(Configurable):
    """Limits of a submission, with an override for each assignment.

    >>> from traitlets.config import Config
    >>> config = Config({"Limits": {"per_assignment": {"a06": {"cell_seconds": 20}}}})
    >>> Limits(config=config).values("a06").cell_seconds
    20.0
    """

    memory_mb = Integer(_DEFAULT.memory_mb, help="Memory of all its processes, in MiB.").tag(
        config=True
    )
    processes = Integer(_DEFAULT.processes, help="Processes and threads at one time.").tag(
        config=True
    )
    open_files = Integer(_DEFAULT.open_files, help="Open files of one process.").tag(config=True)
    scratch_mb = Integer(
        _DEFAULT.scratch_mb, help="Files that it may write, in MiB; they live in memory."
    ).tag(config=True)
    cell_seconds = Float(_DEFAULT.cell_seconds, help="Wall time of one cell, in seconds.").tag(
        config=True
    )
    submission_seconds = Float(
        _DEFAULT.submission_seconds, help="Wall time of all cells together, in seconds."
    ).tag(config=True)
    output_kb_per_cell = Integer(
        _DEFAULT.output_kb_per_cell, help="Output of one cell that is kept, in KiB."
    ).tag(config=True)
    output_kb = Integer(
        _DEFAULT.output_kb, help="Output of the whole notebook that is kept, in KiB."
    ).tag(config=True)
    model_parameters = Integer(
        _DEFAULT.model_parameters, help="Parameters of a model that the grader rebuilds."
    ).tag(config=True)
    model_layers = Integer(
        _DEFAULT.model_layers, help="Layers of a model that the grader rebuilds."
    ).tag(config=True)
    model_gflops = Float(
        _DEFAULT.model_gflops, help="Multiply-adds (10^9) of one image through a rebuilt model."
    ).tag(config=True)
    message_mb = Integer(
        _DEFAULT.message_mb, help="One message between the two sides, in MiB."
    ).tag(config=True)
    call_seconds = Float(
        _DEFAULT.call_seconds, help="Wall time of one call of a student's function, in seconds."
    ).tag(config=True)
    per_assignment = Dict(
        key_trait=Unicode(),
        value_trait=Dict(),
        help="Overrides by assignment: {'a06-ex7-digits': {'cell_seconds': 120}}.",
    ).tag(config=True)

    def values(self, assignment: str) -> LimitValues:
        """Return the limits that hold for ``assignment``.

        Raises:
            TraitError: where an override names no limit, or gives it a value of the wrong type.
        """
        chosen = {name: getattr(self, name) for name in LimitValues.__struct_fields__}
        overrides = self.per_assignment.get(assignment, {})
        for name, value in overrides.items():
            if name not in chosen:
                raise TraitError(
                    f"c.Limits.per_assignment[{assignment!r}] names {name!r}, which is no limit. "
                    f"Limits are: {', '.join(sorted(chosen))}."
                )
            chosen[name] = value
        try:
            return msgspec.convert(chosen, LimitValues)
        except msgspec.ValidationError as error:
            raise TraitError(f"c.Limits for {assignment!r}: {error}") from error


def limits_for(assignment: str, config: Config | None = None) -> LimitValues:
    """Return the limits of ``assignment`` under a traitlets configuration."""
    return Limits(config=config).values(assignment)
