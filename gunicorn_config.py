"""Gunicorn's hooks. The command line that ``supervisor`` builds says the rest."""

loglevel = "warning"
accesslog = None
keepalive = 30
timeout = 30
graceful_timeout = 5


def post_fork(server, worker):
    """Give each worker what it cannot share with the process that it was forked from.

    Connections of its own, as one shared by two would mix up answers; and a thread that takes up
    a model that is promoted.
    """
    runtime = worker.app.wsgi().extensions["repayline"]
    runtime.engine.dispose(close=False)
    runtime.reader.watch()
