"""The review pages: reviewers, managers and sellers in a browser, on top of `serving.casework`.

`app` lists every route. Each room may import those above it in this table.

| room | holds |
| --- | --- |
| `histories` | each seller's days, orders and rows, for the pages |
| `web` | who asks: settings, logins, sessions, the checks before a page; what a request and the process are made of |
| `pages` | what all pages share: frame, texts, charts; the pages for login and errors |
| `seller` | the seller's page for staff, and the orders behind a reason |
| `queue` | the reviewers' queue, its forms, second opinions and objections |
| `own`, `letters`, `manager` | the seller's own page, letters, the manager's figures |

For others: app, histories, pages, web.
"""
