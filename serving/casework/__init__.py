"""Casework: what reviewers do with scores, without a web in it.

A case is one seller's one risk, opened from the week's scores. Reviewers take it, decide, and undo; sellers object; a
different reviewer decides the objection; what was granted becomes a correction, and the score is made again. Every
change is an event of a case and a new version of it; who acts on an older version is told so
(`cases.rules.ConflictError`). Each room may import those above it in this table.

| room | holds |
| --- | --- |
| `cases` | a case, who may do what to it, its repository, the reviewers' actions, the arms of the experiment |
| `snapshots` | a seller at one moment: its logged answer, where it stands on each standard, the facts of its case |
| `decisions` | a reviewer's decision, the seller's letter, and what each law asks of it |
| `objections` | objections, their answers, and a seller scored again with its corrections |
| `week` | the week's queue from scores |
| `figures` | outcomes of cases, and the manager's figures with intervals |
| `exports` | interventions and corrections as tables of the data contract |

For others: cases, decisions, exports, figures, objections, snapshots, week.
"""
