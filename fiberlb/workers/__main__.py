"""C{python -m fiberlb.workers}: the template process, which control starts."""

from fiberlb.workers.template import main
from fiberlb.workers.worker import work

if __name__ == "__main__":
    main(work)
