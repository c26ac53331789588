"""Activities: where workflows meet the world. Each takes one dataclass, so that a field can be added later."""

from towpath_worker.activities.open_job import OpenJobActivity
from towpath_worker.activities.parts import Parts
from towpath_worker.activities.publish import PublishActivity
from towpath_worker.activities.run_task import RunTaskActivity
from towpath_worker.activities.transfer import TransferActivity

__all__ = ["OpenJobActivity", "Parts", "PublishActivity", "RunTaskActivity", "TransferActivity"]
