"""For uwsgi.test.ts: /wait does not answer before somebody opens the pipe whose path is the query."""


def application(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        open(environ["QUERY_STRING"]).close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
