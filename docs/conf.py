"""How the pages of this folder become a site: `make docs` builds it, and warnings are errors."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TQDM_DISABLE", "1")

from mediate.version import __version__  # noqa: E402

project, author, copyright = "mediate", "the authors of mediate", "the authors of mediate, Apache-2.0"
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "tools.site"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["img"]
nitpicky = False

highlight_language = "text"
html_theme = "furo"
html_title = f"mediate {version}"
html_static_path: list[str] = []
html_show_sphinx = False
html_copy_source = False
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 4
# The cards' tables, which a command writes, have smaller headings than the text between them.
suppress_warnings = ["myst.header"]

napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_custom_sections = [("Options", "params_style"), ("Attributes", "params_style")]
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__"}
python_maximum_signature_line_length = 88

# On demand alone, with `make docs-links`: pages of others come and go.
linkcheck_timeout, linkcheck_retries = 20, 2
linkcheck_anchors = False
