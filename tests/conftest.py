"""What all tests share: one Hypothesis profile, the same examples on every run of the gate."""

import os

import hypothesis

hypothesis.settings.register_profile("laptop", deadline=None, print_blob=True)
hypothesis.settings.register_profile("gate", deadline=None, print_blob=True, derandomize=True)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") else "laptop")
