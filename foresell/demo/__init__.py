"""`foresell demo`: all main steps on a simulated or a public record, from the data to a running API.

For others: demo.
"""
