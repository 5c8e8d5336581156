"""Requests and logins: `app` uses `gate` and `headers`; pages use `call`, `services`, `people` and `sessions`.

For others: gate, headers, page_request, people, services, sessions, settings.
"""
