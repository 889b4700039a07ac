"""The servers of the workers' tests."""

from tests.workers.conftest import broker as broker
from tests.workers.conftest import engine as engine
from tests.workers.conftest import settings as settings
