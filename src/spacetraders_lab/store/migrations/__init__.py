"""The database's versions, oldest first; kept here so that opening a current database imports no Alembic."""

REVISIONS = ("0001", "0002", "0003", "0004", "0010", "0011", "0012", "0013", "0014", "0015", "0016", "0017", "0018")
HEAD = REVISIONS[-1]
