"""Shipments: parcels of a job, who carries them, where they are, the papers on them and whose brand these bear."""
