"""Things worth a look in a shot: what tracking, rendering and checking noticed, as one list."""

from faceplate.issues.issue import KINDS, SEVERITIES, Issue, Mark, merged_issues
from faceplate.issues.issue_file import IssueFile, issues_path

__all__ = ["KINDS", "SEVERITIES", "Issue", "IssueFile", "Mark", "issues_path", "merged_issues"]
