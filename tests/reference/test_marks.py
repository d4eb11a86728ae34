"""What the marks of the reference reasoners cost to read."""

import subprocess
import sys


def test_reading_marks_imports_nothing_that_trains() -> None:
    asked = (
        "import sys; from mediate.reference.marks import read_marks; read_marks();"
        "print([name for name in ('mediate.reference.train', 'mediate.tuning', 'peft') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
