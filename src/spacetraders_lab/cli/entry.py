"""Where the command `spacetraders` begins: what is imported here is imported before Ctrl-C can be answered politely."""

import gc
import signal


def main() -> None:
    """Run the command line and exit; Ctrl-C while the program is still being loaded ends it without a traceback."""
    gc.disable()  # imports make no garbage, and looking for it took a tenth of a command: `main` enables it
    python_s = signal.getsignal(signal.SIGINT)
    if python_s is signal.default_int_handler:  # else whoever started the command wants it to ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from spacetraders_lab.cli import main as command_line

    signal.signal(signal.SIGINT, python_s)
    command_line.main()
