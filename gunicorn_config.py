"""Gunicorn's hooks. The command line that ``supervisor`` builds says the rest."""

loglevel = "warning"
accesslog = None
keepalive = 30
timeout = 30
graceful_timeout = 5


def post_fork(server, worker):
    """Give each worker connections of its own: one shared after a fork would mix up answers."""
    worker.app.wsgi().extensions["repayline"].engine.dispose(close=False)
