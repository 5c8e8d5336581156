"""The prediction API: from a request to its answer.

Read `routes` first: it lists every endpoint. `middleware` takes a request (`auth`, `request_parsing`) to its handler
in `handlers`; `routing` finds the route, `schema` holds what goes in and out, `openapi` describes it, and
`idempotency` gives a repeated request its first answer.

For others: auth, logs, middleware, openapi, routes, routing.
"""
