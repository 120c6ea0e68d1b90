"""What is wrong with a training, on what evidence, and what to do."""

from ganworks.diagnose.checkpoints import Ranking, ranked_checkpoints
from ganworks.diagnose.course import course_findings
from ganworks.diagnose.data import data_findings
from ganworks.diagnose.exam import Exam, Group, exam
from ganworks.diagnose.finding import Evidence, Finding, Remedy, prescribed, ranked
from ganworks.diagnose.look import Look, look
from ganworks.diagnose.material import Material, material
from ganworks.diagnose.plateau import Plateau, Trend, trend
from ganworks.diagnose.samples import sample_findings
from ganworks.diagnose.vitals import Vitals
from ganworks.diagnose.watcher import Watcher

__all__ = ["Evidence", "Exam", "Finding", "Group", "Look", "Material", "Plateau", "Ranking", "Remedy", "Trend",
           "Vitals", "Watcher", "course_findings", "data_findings", "exam", "look", "material", "prescribed", "ranked",
           "ranked_checkpoints", "sample_findings", "trend"]
