"""`spacetraders --install-completion`: cyclopts's own command, imported only when it is wanted."""

from cyclopts.completion.install import create_install_completion_command

from spacetraders_lab.cli.main import build_app

install = create_install_completion_command(build_app().install_completion, add_to_startup=True)
