"""From rows to scores and answers: the model in use, micro-batching, explanations, and replays.

`service` tells the story: it finds the rows of a request, scores them and makes the answer's bytes.

For others: answers, champion_loader, explanation, formats, model_watcher, replay, results, service, what_if.
"""
