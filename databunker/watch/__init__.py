"""What looks wrong: a token that reads unusually many people, and anybody who reads a person made up as bait.

All of it is found in the audit trail, by the scheduler, so that no call takes longer and no answer tells.
"""
