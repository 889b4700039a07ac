"""What a process tells of itself: its log, its figures, its spans. It knows no order, no job and no database."""
