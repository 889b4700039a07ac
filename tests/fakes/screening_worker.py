"""A worker that judges a list and commits row by row, to be killed: ``python -m tests.fakes.screening_worker URL``."""

import sys

from fabroute.advice.service.screening_work import ScreeningLimits, judge_screenings
from fabroute.database import create_database_engine
from fabroute.kernel.time import utc_now

if __name__ == "__main__":
    limits = ScreeningLimits(chunk_rows=1, seconds=600)
    judge_screenings(create_database_engine(sys.argv[1]), limits=limits, now=utc_now())
