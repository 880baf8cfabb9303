"""How the tasks of maintenance went the last time."""

from __future__ import annotations

from django.db import models

__all__ = ["TaskRun"]


class TaskRun(models.Model):
    """The latest run of one task, on whichever host it was; of a task that runs all the time, of the last minute."""

    name = models.CharField(primary_key=True, max_length=64, help_text="Name of the task")
    started = models.BigIntegerField(help_text="Unix seconds")
    ended = models.BigIntegerField(help_text="Unix seconds")
    done = models.BigIntegerField(help_text="How many things it did")
    complete = models.BooleanField(help_text="Nothing was left to do")
    outcome = models.CharField(max_length=64, blank=True, help_text="The kind of failure, never its text; empty: none")
    failed = models.BigIntegerField(null=True, help_text="Unix seconds; when it failed last")

    class Meta:
        db_table = "gdpr_task_run"

    def __str__(self) -> str:
        return self.name
