"""The backend of whole journeys: a real Kafka."""

from deploy.local.backends import Backend, choose

BACKEND = Backend.DOCKER if choose().backend is Backend.DOCKER else Backend.NATIVE
"""On real broker and store where they were asked for, else on the real broker alone."""

MISSING = BACKEND.find_missing()
