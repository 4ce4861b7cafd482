"""Makes command line options from the list of parameters, so that none is declared twice."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, cast

import typer

from faceplate.shot.parameters import FORMER_NAMES, PARAMETERS, Parameter, Parameters, current_names

__all__ = ["given_options", "parameters_from", "plain_values", "with_parameters"]


def with_parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return `command(..., **values)` with one option for each parameter in place of `values`."""
    signature = inspect.signature(command, eval_str=True)
    own = [item for item in signature.parameters.values() if item.kind is not inspect.Parameter.VAR_KEYWORD]
    options = [
        inspect.Parameter(
            parameter.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=parameter.default,
            annotation=Annotated[_kind(parameter), _option(parameter)],
        )
        for parameter in PARAMETERS
    ]
    options += [
        inspect.Parameter(
            former,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(f"--{former.replace('_', '-')}", hidden=True)],
        )
        for former in FORMER_NAMES
    ]

    def wrapper(**values: Any) -> Any:
        former = {name: values.pop(name) for name in FORMER_NAMES}
        given = current_names({name: value for name, value in former.items() if value is not None})
        return command(**values | given)

    wrapper.__doc__ = command.__doc__
    wrapper.__name__ = command.__name__
    wrapper.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {item.name: item.annotation for item in [*own, *options]}
    return wrapper


def parameters_from(values: dict[str, Any]) -> Parameters:
    """Return the validated parameters of the options' values."""
    return Parameters.model_validate(plain_values(values))


def plain_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options' values with choices as plain strings."""
    return {key: str(value) if isinstance(value, StrEnum) else value for key, value in values.items()}


def given_options(context: typer.Context) -> set[str]:
    """Return the names of the options that are on the command line, and not at their defaults."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source is not None and not source.name.startswith("DEFAULT")}
    return {FORMER_NAMES.get(name, name) for name in given}


def _kind(parameter: Parameter) -> type:
    if parameter.choices:
        return cast(type, StrEnum(parameter.name, {choice: choice for choice in parameter.choices}))
    return parameter.kind


def _option(parameter: Parameter) -> Any:
    return typer.Option(
        f"--{parameter.name.replace('_', '-')}",
        help=parameter.about.help,
        min=parameter.minimum,
        max=parameter.maximum,
        rich_help_panel=parameter.about.group,
    )
