"""The pages of the reference that are made from the program: `make docs` writes them, a test compares them.

What a command says of itself in --help and what the schema's dictionary says is all there is; nothing is written here.
"""

import re
from pathlib import Path

from spacetraders_lab.cli.main import build_app
from spacetraders_lab.store.dictionary import as_markdown

DOCS = Path(__file__).parents[1] / "docs"


def pages() -> dict[Path, str]:
    """Every generated page and what it must say."""
    return {DOCS / "reference" / "commands.md": commands(), DOCS / "data-dictionary.md": as_markdown()}


def commands() -> str:
    """Every command with its options, as Markdown."""
    made = build_app().generate_docs(output_format="markdown", heading_level=1)
    body = re.sub(r"^\*\*Commands\*\*:\n\n(\* .*\n)+\n?", "", made.partition("\n")[2], flags=re.MULTILINE)
    body = body.replace(" *[default: False]*", "").replace("\\[", "[")  # a flag is off; and nothing here is a link
    body = body.replace("(#spacetraders-install", "(#spacetraders---install")  # GitHub keeps all dashes of a heading
    return (
        "# Commands\n\nMade by `make docs` from what the commands say of themselves; do not edit. `--help` after any"
        " command says the same.\nExit codes and settings: [settings](settings.md).\n" + body.rstrip() + "\n"
    )


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
