-- Creates a pet with each request.
wrk.method = "POST"
wrk.body = '{"name":"dog of a benchmark","breed":"Affenpinscher"}'
wrk.headers["Content-Type"] = "application/json"
