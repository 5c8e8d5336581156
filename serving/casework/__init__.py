"""Casework: what reviewers do with scores, without a web in it.

A case is one seller's one risk, opened from the week's scores. Reviewers take it, decide, and undo; sellers object; a
different reviewer decides the objection; what was granted becomes a correction, and the score is made again. Every
change is an event of a case and a new version of it; who acts on an older version is told so
(`refusals.ConflictError`).

| room | holds |
| --- | --- |
| `people`, `refusals` | who acts; what is refused, and why |
| `cases`, `rules`, `book` | a case and its facts; who may do what in which state; cases and events in the database |
| `work` | take next, assign, snooze, note, first look, undo |
| `week`, `loss` | the week's queue from scores; what a case is worth |
| `records` | the logged answer behind a page, its bytes and digest |
| `decisions`, `letters`, `regimes` | decisions, the seller's letter, and what each law asks of it |
| `objections`, `recompute` | objections and appeals; one seller scored again with its corrections |
| `outcomes`, `figures`, `arms` | what came of it, for the manager; cases shown without score or reasons first |
| `exports`, `spreadsheet` | contract tables and safe CSV |
"""
