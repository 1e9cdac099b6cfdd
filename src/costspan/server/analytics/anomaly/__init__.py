"""Anomalies: what a group spends beside what it usually spends, over several windows and for several causes."""
