"""`earmark export`: the read model as files."""

from pathlib import Path

import click

from projections.export import FORMATS, export
from streams.cli.terminal import say
from streams.clock import utc_now
from streams.settings import load


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice([*FORMATS]),
    default="parquet",
    show_default=True,
    help="Parquet keeps the types; in csv a list is JSON.",
)
@click.option("--words", is_flag=True, help="Also transcripts and segments, all that was said: large.")
def export_(folder: Path, file_format: str, *, words: bool) -> None:
    """Write the read model's tables and views as files into the new folder DIR, for notebooks and other engines.

    All are of one snapshot, and what was said is of another. manifest.json says what each holds, with rows, columns, types
    and SHA-256, and how far the log was read. Ids are text. DIR is there whole or not at all.
    """
    manifest = export(load().home, folder.absolute(), file_format, utc_now(), words=words)
    rows, size = (sum(getattr(file, what) for file in manifest.files) for what in ("rows", "bytes"))
    say(
        f"{folder}: {len(manifest.files)} files, {rows:,} rows, {size:,} bytes, {'two snapshots' if words else 'one snapshot'}"
    )
