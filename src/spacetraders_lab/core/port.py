"""Port numbers as users type them. Opens nothing."""

from spacetraders_lab.core.errors import UserError


def checked_port(port: int) -> int:
    """The port, if there can be one of that number (0: any free one); raises UserError."""
    if not 0 <= port <= 65535:
        raise UserError(f"there is no port {port}; 0 to 65535 are")
    return port
