"""`.env.example` as the settings have it. `python -m tests.docs.env_example` writes it."""

from pathlib import Path

from streams.settings import Settings, _durations, parse_duration, variable

FILE = Path(__file__).parents[2] / ".env.example"
WRITE = "python -m tests.docs.env_example"
HEAD = """\
# Earmark's settings. Copy this file to .env, or set them in the environment, which goes before the file.
# What stands here is what holds anyway: uncomment what you change. Times like 90s, 3h or 1h30m; lists with commas.
"""
TO_BE_SET = "ANTHROPIC_API_KEY"


def rendered() -> str:
    """The file: Anthropic's own variables first, the one that must be set not behind a #."""
    fields = sorted(Settings.model_fields, key=lambda field: not variable(field).startswith("ANTHROPIC"))
    entries = [
        f"# {Settings.model_fields[field].description}\n"
        f"{'' if variable(field) == TO_BE_SET else '#'}{variable(field)}={default(field)}"
        for field in fields
    ]
    return "\n".join([HEAD, *entries]) + "\n"


def default(field: str) -> str:
    """A setting's default as one writes it."""
    setting = Settings.model_fields[field]
    is_time = any(getattr(rule, "func", None) in {parse_duration, _durations} for rule in setting.metadata)
    values = setting.default if isinstance(setting.default, tuple) else [setting.default]
    return ",".join(_time(value) if is_time else _plain(value) for value in values)


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _plain(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    FILE.write_text(rendered())
