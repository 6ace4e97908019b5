-- What wrk sends in test/server/benchmark-server.py: orders. The answers are not looked at, so that
-- the server is what is measured.
wrk.method = "POST"
wrk.path = "/orders"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"pizza":"margherita","count":2,"customer":"wrk"}'
