"""Anomaly detection on labelled spend: how soon a fault is told, how often a healthy group is called faulty."""
