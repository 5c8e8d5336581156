"""What runs beside the answers: the registry's champion is fetched, its challenger compared, batch jobs worked on.

`background` tells the story: it lists what a serving process starts and repeats.

For others: background, job_files, job_queue, launch, refresh, shadow.
"""
