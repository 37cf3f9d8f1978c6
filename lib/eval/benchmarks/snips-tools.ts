/**
 * The seven intents of SNIPS as tools. Upstream names intents and slots and describes neither, so the descriptions are this project's own:
 * absolute scores are comparable between models, not with other conversions.
 */
import type { Tool } from '../../tasks/task';
import { toolOf } from './schema-types';

const INTENTS: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>> = {
  AddToPlaylist: [
    'Add a song, album or artist to a playlist.',
    {
      music_item: 'Kind of item to add, such as song, track, tune, album or artist.',
      entity_name: 'Title of the song or album to add.',
      artist: 'Name of the artist.',
      playlist: 'Name of the playlist.',
      playlist_owner: "Whose playlist it is, such as my or a person's name.",
    },
  ],
  BookRestaurant: [
    'Book a table at a restaurant or a similar place.',
    {
      restaurant_type: 'Kind of place, such as restaurant, bar, pub or bakery.',
      restaurant_name: 'Name of the place.',
      party_size_number: 'Number of people.',
      party_size_description: 'The people the table is for, in words.',
      served_dish: 'Dish that should be served.',
      cuisine: 'Kind of cuisine.',
      facility: 'Facility that the place should have.',
      sort: 'Ranking wish, such as best, top-rated or popular.',
      spatial_relation: 'Relative position, such as near or close by.',
      poi: 'Point of interest that the place should be near.',
      city: 'City.',
      state: 'State.',
      country: 'Country.',
      timeRange: 'Date or time of the booking.',
    },
  ],
  GetWeather: [
    'Get the weather forecast.',
    {
      city: 'City.',
      state: 'State.',
      country: 'Country.',
      geographic_poi: 'Named place such as a park or a monument.',
      current_location: "Words for the user's present position, such as here.",
      spatial_relation: 'Relative position, such as near or close by.',
      condition_description: 'Weather condition asked about, such as snow or fog.',
      condition_temperature: 'Temperature condition asked about, such as hot or chilly.',
      timeRange: 'Date or time of the forecast.',
    },
  ],
  PlayMusic: [
    'Play music.',
    {
      artist: 'Name of the artist.',
      track: 'Title of the track.',
      album: 'Title of the album.',
      playlist: 'Name of the playlist.',
      genre: 'Music genre.',
      music_item: 'Kind of item, such as song, track or album.',
      year: 'Year or decade.',
      sort: 'Ranking wish, such as top, newest or best.',
      service: 'Music service to use.',
    },
  ],
  RateBook: [
    'Rate a book.',
    {
      object_name: 'Title of the book.',
      object_type: 'Kind of object, such as novel, book, essay or textbook.',
      object_select: 'Selecting word, such as this, current or next.',
      object_part_of_series_type: 'Kind of series part, such as saga, series or chronicle.',
      rating_value: 'Rating given.',
      best_rating: 'Highest rating of the scale.',
      rating_unit: 'Unit of the rating, such as stars or points.',
    },
  ],
  SearchCreativeWork: [
    'Find a creative work such as a movie, song, book or game.',
    {
      object_name: 'Title of the work.',
      object_type: 'Kind of work, such as movie, TV show, song, book or game.',
    },
  ],
  SearchScreeningEvent: [
    'Find movie screenings and their times.',
    {
      movie_name: 'Title of the movie.',
      movie_type: 'Kind of movies, such as films or animated movies.',
      object_type: 'What is asked for, such as movie times or movie schedule.',
      object_location_type: 'Kind of place, such as cinema or movie house.',
      location_name: 'Name of the cinema or theatre company.',
      spatial_relation: 'Relative position, such as nearest or close by.',
      timeRange: 'Date or time of the screening.',
    },
  ],
};

export const SNIPS_TOOLS: readonly Tool[] = Object.entries(INTENTS).map(([intent, [description, slots]]) =>
  toolOf(
    intent,
    description,
    Object.fromEntries(
      Object.entries(slots).map(([slot, words]) => [slot, { type: 'string', description: words }]),
    ),
    [],
  ),
);
