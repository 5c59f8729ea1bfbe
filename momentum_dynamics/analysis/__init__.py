"""Bring your own problem: the spectrum of data, what it predicts, and what is then measured."""

from momentum_dynamics.analysis.comparison import analyze
from momentum_dynamics.analysis.report import Analysis, AnalysisRow
from momentum_dynamics.analysis.staleness import StalenessReport, staleness_report

__all__ = ["Analysis", "AnalysisRow", "StalenessReport", "analyze", "staleness_report"]
