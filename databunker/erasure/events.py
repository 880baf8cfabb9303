"""Audit event types of the erasure journal and of receipts."""

from audit.events import register

__all__ = ["ERASURES_EXPORTED", "JOURNAL_REPLAYED", "JOURNAL_WAIVED", "RECEIPT_READ"]

JOURNAL_REPLAYED = register(330, "erasure.replay", "replayed the erasure journal")
JOURNAL_WAIVED = register(331, "erasure.waive", "declared that no erasure journal is to be replayed")
ERASURES_EXPORTED = register(332, "erasure.export", "exported the erasure journal")
RECEIPT_READ = register(333, "receipt.read", "read the receipt of the erasure")
