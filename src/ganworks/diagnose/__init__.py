"""What is wrong with a training, on what evidence, and what to do."""

from ganworks.diagnose.exam import Exam, Group, exam
from ganworks.diagnose.look import Look, look
from ganworks.diagnose.vitals import Vitals

__all__ = ["Exam", "Group", "Look", "Vitals", "exam", "look"]
